import { partName } from '../../routes/shared.ts';

/** Where the page of a trigger is. */
export const triggerPagePath = '/pipelines/{pipeline}/triggers/{trigger}';
export const triggerPageParams = { pipeline: partName, trigger: partName };
