import type { AnyRoute } from '../http/route.ts';
import { alertPages } from './alerts.ts';
import { auditPages } from './audit.ts';
import { assetRoutes } from './frame/assets.ts';
import { loginRoutes } from './login.ts';
import { messagePages } from './messages.ts';
import { overviewRoutes } from './overview/overview.ts';
import { pipelinePages } from './pipelines/plan.ts';
import { quarantinePages } from './quarantine.ts';
import { runsRoutes } from './run/list.ts';
import { runRoutes } from './run/run.ts';
import { settingsPages } from './settings.ts';
import { triggerPages } from './triggers/actions.ts';

/** All pages, and what their forms do. They are no part of the API's document. */
export const pageRoutes: readonly AnyRoute[] = [
  ...assetRoutes,
  ...loginRoutes,
  ...overviewRoutes,
  ...runsRoutes,
  ...runRoutes,
  ...quarantinePages,
  ...triggerPages,
  ...pipelinePages,
  ...alertPages,
  ...messagePages,
  ...settingsPages,
  ...auditPages,
];
