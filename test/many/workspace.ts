import type { SparkSettings } from '../../controller/domain/plan.ts';
import type { Workspace } from '../../controller/domain/ports/workspace.ts';

/** A workspace without files: every attempt has read the hundred rows of `orders`. */
export const memoryWorkspace: Workspace = {
  prepare: async (_pipeline, _step, attempt) => ({
    spec: 'job.json',
    settings: attempt.settings as SparkSettings,
    properties: {},
    secretFiles: [],
    labels: {},
  }),
  result: async (_step, { key }) => ({
    key,
    state: 'succeeded',
    applicationId: 'app-1',
    inputs: [{ name: 'orders', read: 100, valid: 100, quarantined: 0, reasons: {} }],
    outputs: [],
    seconds: {},
  }),
  staged: () => [],
  revoke: async () => false,
  removeSecrets: async () => undefined,
  watchResult: () => () => undefined,
  adoptInputs: async (_from, profiles) => profiles,
  removeInputs: async () => undefined,
  remove: async () => undefined,
};
