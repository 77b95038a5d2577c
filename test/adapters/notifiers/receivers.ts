import { z } from 'zod';
import { signatureProblem } from '../../../controller/adapters/triggers/webhook/signatures.ts';
import { FakeServer, type Question, type Reply } from '../../fakes/http.ts';

/** A service that takes messages and checks their form by what its documents say. */
export class Receiver extends FakeServer {
  readonly received: unknown[] = [];
  readonly refused: string[] = [];
  private readonly of: Service;

  constructor(of: Service) {
    super();
    this.of = of;
  }

  protected answer(question: Question): Reply {
    const { path, form, taken, check } = this.of;
    if (question.method !== 'POST' || question.path !== path) return { status: 404, body: 'no_service' };
    const parsed = form.safeParse(JSON.parse(question.body));
    const problem = parsed.success ? check?.(question) : z.prettifyError(parsed.error);
    if (problem !== undefined) {
      this.refused.push(problem);
      return { status: 400, body: problem };
    }
    this.received.push(parsed.data);
    return taken;
  }
}

export interface Service {
  /** The connection in conf/, and the secrets of it. */
  readonly connection: (url: string) => object;
  readonly secrets: readonly string[];
  readonly path: string;
  readonly form: z.ZodType;
  readonly taken: Reply;
  readonly check?: (question: Question) => string | undefined;
}

const time = z.iso.datetime();
const text = (most: number) => z.string().min(1).max(most);
const plain = z.strictObject({ type: z.literal('plain_text'), text: text(3000), emoji: z.literal(false).optional() });
const slackText = z.union([plain, z.strictObject({ type: z.literal('mrkdwn'), text: text(3000) })]);
/** Slack reads <…> as a link, a mention or a command; Sluice writes none. */
const noCommand = ({ body }: Question): string | undefined => (/<[!@#h]/.test(body) ? 'it has a command' : undefined);

export const secret = `whsec_${Buffer.from('a key of more than twenty-four bytes').toString('base64')}`;
const botToken = '123456:AAExampleTokenOfABot';

/** The services by the kind of their channel. */
export const services: Readonly<Record<string, Service>> = {
  webhook: {
    connection: (url) => ({ url: `${url}/events?key=kept-secret`, secret }),
    secrets: [secret, 'kept-secret'],
    path: '/events',
    taken: { status: 202 },
    form: z.strictObject({
      ...{
        specversion: z.literal('1.0'),
        id: text(64),
        source: z.string().regex(/^\/projects\/[\w-]+\/pipelines\/[\w-]+$|^\/projects\/[\w-]+$/),
      },
      ...{ type: z.string().startsWith('dev.sluice.'), subject: z.string().optional(), time },
      ...{ datacontenttype: z.literal('application/json'), data: z.looseObject({ title: z.string() }) },
    }),
    check({ headers, body }) {
      if (headers['content-type'] !== 'application/cloudevents+json') return 'the media type is wrong';
      if (JSON.parse(body).id !== headers['webhook-id']) return 'the ids differ';
      const request = { headers: headers as Record<string, string>, body: Buffer.from(body), now: Date.now() };
      return signatureProblem('standard', [secret], request, 300_000);
    },
  },
  slack: {
    connection: (url) => ({ hook: `${url}/services/T0/B0/kept-secret` }),
    secrets: ['kept-secret'],
    path: '/services/T0/B0/kept-secret',
    taken: { status: 200, body: 'ok' },
    form: z.strictObject({
      text: z.string().min(1),
      blocks: z
        .array(
          z.union([
            z.strictObject({ type: z.literal('header'), text: plain.extend({ text: text(150) }) }),
            z.strictObject({ type: z.literal('section'), text: slackText }),
          ]),
        )
        .min(1)
        .max(50),
    }),
    check: noCommand,
  },
  teams: {
    connection: (url) => ({ hook: `${url}/workflows/kept-secret?sig=signed-secret` }),
    secrets: ['kept-secret', 'signed-secret'],
    path: '/workflows/kept-secret',
    taken: { status: 202 },
    form: z.strictObject({
      type: z.literal('message'),
      attachments: z.tuple([
        z.strictObject({
          contentType: z.literal('application/vnd.microsoft.card.adaptive'),
          content: z.looseObject({
            ...{ type: z.literal('AdaptiveCard'), version: z.literal('1.4') },
            body: z.array(z.looseObject({ type: z.enum(['TextBlock', 'FactSet']) })).min(1),
          }),
        }),
      ]),
    }),
    check: ({ body }) => (Buffer.byteLength(body) > 28_000 ? 'it is longer than 28 KB' : undefined),
  },
  telegram: {
    connection: (url) => ({ token: botToken, chat: '-100200300', api: url }),
    secrets: [botToken],
    path: `/bot${botToken}/sendMessage`,
    taken: { status: 200, body: { ok: true, result: { message_id: 1 } } },
    form: z.strictObject({
      ...{ chat_id: z.literal('-100200300'), parse_mode: z.literal('HTML') },
      // Only the tags that Telegram knows; what follows is counted after parsing.
      text: z
        .string()
        .refine((html) => !/<(?!\/?b>)/.test(html), 'it has an unknown tag')
        .refine((html) => html.replace(/<[^>]*>|&\w+;|&#\d+;/g, ' ').length <= 4096, 'it is too long'),
      link_preview_options: z.strictObject({ is_disabled: z.literal(true) }),
    }),
  },
  pagerduty: {
    connection: (url) => ({ routingKey: '0123456789abcdef0123456789abcdef', api: url }),
    secrets: ['0123456789abcdef0123456789abcdef'],
    path: '/v2/enqueue',
    taken: { status: 202, body: { status: 'success' } },
    form: z.strictObject({
      routing_key: z.string().length(32),
      event_action: z.enum(['trigger', 'resolve']),
      dedup_key: text(255),
      payload: z.strictObject({
        ...{ summary: text(1024), source: text(255), severity: z.enum(['critical', 'error', 'warning', 'info']) },
        ...{ timestamp: time, component: z.string(), class: z.string().optional() },
        custom_details: z.record(z.string(), z.string()),
      }),
    }),
    check: ({ body }) => (Buffer.byteLength(body) > 512_000 ? 'it is longer than 512 KB' : undefined),
  },
  alertmanager: {
    connection: (url) => ({ url: `${url}/`, user: 'sluice', password: 'kept-secret' }),
    secrets: ['kept-secret'],
    path: '/api/v2/alerts',
    taken: { status: 200 },
    form: z
      .array(
        z.strictObject({
          labels: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string().min(1)),
          annotations: z.record(z.string(), z.string()),
          ...{ startsAt: time, endsAt: time },
        }),
      )
      .length(1),
    check: ({ headers }) =>
      headers.authorization === `Basic ${Buffer.from('sluice:kept-secret').toString('base64')}`
        ? undefined
        : 'the login is wrong',
  },
};
