import { embeddedDriver } from '../adapters/backends/embedded/driver.ts';
import { livyDriver } from '../adapters/backends/livy/driver.ts';
import type { Registry } from '../adapters/drivers.ts';
import { alertmanagerNotifications } from '../adapters/notifiers/channels/alertmanager.ts';
import { openLineageReceivers } from '../adapters/notifiers/channels/openlineage.ts';
import { otlpReceivers } from '../adapters/notifiers/channels/otlp.ts';
import { pagerDutyNotifications } from '../adapters/notifiers/channels/pagerduty.ts';
import { slackNotifications } from '../adapters/notifiers/channels/slack.ts';
import { teamsNotifications } from '../adapters/notifiers/channels/teams.ts';
import { telegramNotifications } from '../adapters/notifiers/channels/telegram.ts';
import { webhookNotifications } from '../adapters/notifiers/channels/webhook.ts';
import { emailNotifications } from '../adapters/notifiers/email/driver.ts';
import { csvSink, parquetSink } from '../adapters/sinks/files/driver.ts';
import { postgresSink } from '../adapters/sinks/postgres/driver.ts';
import { csvSource } from '../adapters/sources/csv/driver.ts';
import { kafkaSource } from '../adapters/sources/kafka/driver.ts';
import { postgresSource } from '../adapters/sources/postgres/driver.ts';
import { fileStorageDriver } from '../adapters/storage/file/driver.ts';
import { s3StorageDriver } from '../adapters/storage/s3/driver.ts';
import { httpTask } from '../adapters/tasks/http/driver.ts';
import { postgresTask } from '../adapters/tasks/postgres/driver.ts';
import { afterTrigger } from '../adapters/triggers/after/driver.ts';
import { everyTrigger } from '../adapters/triggers/every/driver.ts';
import { filesTrigger } from '../adapters/triggers/files/driver.ts';
import { scheduleTrigger } from '../adapters/triggers/schedule/driver.ts';
import { tableTrigger } from '../adapters/triggers/table/driver.ts';
import { topicTrigger } from '../adapters/triggers/topic/driver.ts';
import { webhookTrigger } from '../adapters/triggers/webhook/driver.ts';

/** The built-in drivers. A new driver needs one line here. */
export const builtIn: Registry = {
  sources: [csvSource, postgresSource, kafkaSource],
  sinks: [parquetSink, csvSink, postgresSink],
  tasks: [httpTask, postgresTask],
  notifiers: [
    emailNotifications,
    webhookNotifications,
    slackNotifications,
    teamsNotifications,
    telegramNotifications,
    pagerDutyNotifications,
    alertmanagerNotifications,
  ],
  telemetry: [openLineageReceivers, otlpReceivers],
  backends: [livyDriver, embeddedDriver],
  storages: [fileStorageDriver, s3StorageDriver],
  triggers: [scheduleTrigger, everyTrigger, filesTrigger, topicTrigger, tableTrigger, webhookTrigger, afterTrigger],
};
