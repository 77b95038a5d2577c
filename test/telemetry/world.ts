import { Ajv2020 } from 'ajv/dist/2020.js';
import { builtIn } from '../../controller/app/registry.ts';
import type { Adapters } from '../../controller/app/wiring.ts';
import type { Project } from '../../controller/config/project.ts';
import { folder } from '../pipeline/files.ts';
// The schemas of OpenLineage 2-0-2 and of its facets, as published, without their descriptions and examples.
import schemas from './openlineage.json' with { type: 'json' };

const ajv = new Ajv2020({ allErrors: true, strict: false });
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
ajv.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
ajv.addFormat('uri', (text) => URL.canParse(text));
for (const schema of schemas) ajv.addSchema(schema);

function broken(url: string, value: unknown): string[] {
  const validate = ajv.getSchema(url);
  if (!validate) return [`there is no schema ${url}`];
  return validate(value) === true
    ? []
    : (validate.errors ?? []).map((each) => `${url} ${each.instancePath} ${each.message}`);
}

/** The facets anywhere in an event. */
export function facetsIn(value: unknown): { _schemaURL: string }[] {
  if (value === null || typeof value !== 'object') return [];
  const own = '_schemaURL' in value ? [value as { _schemaURL: string }] : [];
  return [...own, ...Object.values(value).flatMap(facetsIn)];
}

/** What the published schemas find wrong in an event and in its facets. */
export const lineageProblems = (event: object): string[] => [
  ...broken('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent', event),
  ...facetsIn(event).flatMap((facet) => broken(facet._schemaURL, facet)),
];

/** The project of the pipeline `good`, with secrets that no event may have. */
export const project = {
  name: 'shop-project',
  root: folder,
  home: `${folder}/.sluice`,
  connections: {
    allow: { paths: [], sparkConf: [] },
    postgres: { shop: { url: 'postgres://reader:canary-password@db.example.org:5433/shop' } },
    kafka: { shop: { brokers: ['kafka.example.org:9093'], sasl: { password: 'canary-sasl' } } },
  },
  stack: { elsewhere: {} },
  endpoints: {},
} as unknown as Project;
export const adapters: Adapters = { registry: builtIn, context: { project, scratch: '', storage: undefined as never } };

/** The same with receivers of lineage and traces. */
export const toldAdapters: Adapters = {
  ...adapters,
  context: {
    ...adapters.context,
    project: {
      ...project,
      connections: { ...project.connections, openlineage: { catalog: {}, other: {} }, otlp: { collector: {} } },
    },
  },
};
