import { createHash } from 'node:crypto';
import { type Check, columnsOf, type Source } from '../domain/pipeline.ts';
import type { Verdict } from '../domain/plan.ts';
import type { Measures, Pin } from '../domain/profile.ts';

/** Facets of OpenLineage: each with its schema's version, as published with the specification 2-0-2. */

export type Facet = Readonly<Record<string, unknown>>;
export type Facets = Readonly<Record<string, Facet>>;

const versions = {
  NominalTimeRunFacet: '1-0-1',
  ParentRunFacet: '1-2-0',
  ErrorMessageRunFacet: '1-0-1',
  ProcessingEngineRunFacet: '1-1-1',
  TagsRunFacet: '1-0-0',
  JobTypeJobFacet: '2-0-4',
  SQLJobFacet: '1-1-0',
  DocumentationJobFacet: '1-1-0',
  SchemaDatasetFacet: '1-2-0',
  DatasourceDatasetFacet: '1-0-1',
  DatasetVersionDatasetFacet: '1-0-1',
  DataQualityMetricsInputDatasetFacet: '1-0-3',
  DataQualityAssertionsDatasetFacet: '1-1-0',
  InputStatisticsInputDatasetFacet: '1-0-0',
  OutputStatisticsOutputDatasetFacet: '1-0-2',
} as const;

export const producerOf = (version: string): string => `urn:sluice:${version}`;

/** Makes facets of one producer. */
export function facetsBy(version: string) {
  const facet = (name: keyof typeof versions, fields: Facet): Facet => ({
    _producer: producerOf(version),
    _schemaURL: `https://openlineage.io/spec/facets/${versions[name]}/${name}.json#/$defs/${name}`,
    ...fields,
  });
  return {
    nominalTime: (due: number) => facet('NominalTimeRunFacet', { nominalStartTime: new Date(due).toISOString() }),

    parent: (runId: string, job: { readonly namespace: string; readonly name: string }) =>
      facet('ParentRunFacet', { run: { runId }, job, root: { run: { runId }, job } }),

    errorMessage: (message: string) =>
      facet('ErrorMessageRunFacet', { message: cut(message), programmingLanguage: 'SQL' }),

    engine: () => facet('ProcessingEngineRunFacet', { name: 'Sluice', version, openlineageAdapterVersion: version }),

    tags: (tags: Readonly<Record<string, string | undefined>>) =>
      facet('TagsRunFacet', {
        tags: Object.entries(tags).flatMap(([key, value]) =>
          value === undefined ? [] : [{ key, value: cut(value), source: 'SLUICE' }],
        ),
      }),

    jobType: (jobType: 'PIPELINE' | 'STEP') =>
      facet('JobTypeJobFacet', { processingType: 'BATCH', integration: 'SLUICE', jobType }),

    sql: (query: string, dialect: string) => facet('SQLJobFacet', { query: query.slice(0, longestSql), dialect }),

    documentation: (description: string) =>
      facet('DocumentationJobFacet', { description: cut(description), contentType: 'text/plain' }),

    schema: (source: Source, pin: Pin | undefined) => {
      const columns = pin?.kept?.columns ?? columnsOf(source);
      const fields = columns.map(({ name, type }, i) => ({ name, type, ordinal_position: i + 1 }));
      return facet('SchemaDatasetFacet', { fields });
    },

    dataSource: (namespace: string) =>
      facet('DatasourceDatasetFacet', {
        name: namespace,
        ...(URL.canParse(namespace) && { uri: namespace }),
      }),

    version: (datasetVersion: string) => facet('DatasetVersionDatasetFacet', { datasetVersion }),

    quality: ({ rows, bytes, nulls }: Measures) =>
      facet('DataQualityMetricsInputDatasetFacet', {
        rowCount: Math.round(rows),
        bytes: Math.round(bytes),
        columnMetrics: Object.fromEntries(
          Object.entries(nulls).map(([column, nullCount]) => [column, { nullCount: Math.round(nullCount) }]),
        ),
      }),

    assertions: (verdicts: readonly { readonly verdict: Verdict; readonly check: Check }[]) =>
      facet('DataQualityAssertionsDatasetFacet', { assertions: verdicts.map(assertionOf) }),

    inputStatistics: (rows: number, bytes: number) =>
      facet('InputStatisticsInputDatasetFacet', { rowCount: Math.round(rows), size: Math.round(bytes) }),

    outputStatistics: (rows: number) => facet('OutputStatisticsOutputDatasetFacet', { rowCount: rows }),
  };
}
export type FacetMaker = ReturnType<typeof facetsBy>;

const longestText = 4000;
const longestSql = 65_536;
const cut = (text: string): string => text.slice(0, longestText);

function assertionOf({ verdict, check }: { readonly verdict: Verdict; readonly check: Check }): object {
  const isSql = check.rows !== undefined;
  return {
    assertion: isSql ? 'custom_sql' : 'custom_expression',
    success: verdict.outcome === 'passed',
    severity: check.otherwise === 'fail' ? 'error' : 'warn',
    name: check.name,
    ...{ expected: cut(verdict.expect), actual: cut(verdict.because) },
    ...{ content: cut(verdict.expect), contentType: isSql ? 'sql' : 'expression' },
  };
}

/** Identifies the rows that were read, wherever Sluice keeps them. */
export function versionOf({ kept: _kept, log: _log, ...identity }: Pin): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}
