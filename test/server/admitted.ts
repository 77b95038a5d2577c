import type { AnyRoute } from '../../controller/server/http/route.ts';

/** Which scopes a route admits beside admin: the table that the code must equal. */
export const admitted: Readonly<Record<string, readonly string[] | 'all'>> = {
  'GET /api/v1/pipelines': ['read'],
  'GET /api/v1/pipelines/{pipeline}': ['read'],
  'GET /api/v1/pipelines/{pipeline}/file': ['read'],
  'POST /api/v1/pipelines/{pipeline}/plan': ['runs:write'],
  'GET /api/v1/plans/{plan}': ['read'],
  'GET /api/v1/runs': ['read'],
  'GET /api/v1/runs/{run}': ['read'],
  'GET /api/v1/runs/{run}/timeline': ['read'],
  'GET /api/v1/runs/{run}/plan': ['read'],
  'GET /api/v1/runs/{run}/checks': ['read'],
  'GET /api/v1/runs/{run}/outputs': ['read'],
  'GET /api/v1/runs/{run}/messages': ['read'],
  'GET /api/v1/runs/{run}/diff/{other}': ['read'],
  'GET /api/v1/runs/{run}/events': ['read'],
  'GET /api/v1/events': ['read'],
  'GET /api/v1/runs/{run}/steps/{step}/attempts/{attempt}/log': ['read'],
  'GET /api/v1/runs/{run}/quarantine/{source}': ['data'],
  'GET /api/v1/runs/{run}/quarantine/{source}/file': ['data'],
  'POST /api/v1/runs': ['runs:write'],
  'POST /api/v1/runs/{run}:cancel': ['runs:write'],
  'POST /api/v1/runs/{run}:resume': ['runs:write'],
  'POST /api/v1/runs/{run}:retry': ['runs:write'],
  'POST /api/v1/runs/{run}:replay': ['runs:write'],
  'GET /api/v1/triggers': ['read'],
  'GET /api/v1/firings': ['read'],
  'GET /api/v1/calendar': ['read'],
  'GET /api/v1/pipelines/{pipeline}/triggers/{trigger}': ['read'],
  'GET /api/v1/pipelines/{pipeline}/triggers/{trigger}/why': ['read'],
  'POST /api/v1/pipelines/{pipeline}/triggers/{trigger}:pause': ['triggers:write'],
  'POST /api/v1/pipelines/{pipeline}/triggers/{trigger}:resume': ['triggers:write'],
  'POST /api/v1/pipelines/{pipeline}/triggers/{trigger}:skip': ['triggers:write'],
  'POST /api/v1/pipelines/{pipeline}/triggers/{trigger}:reset': ['triggers:write'],
  'POST /api/v1/pipelines/{pipeline}/triggers/{trigger}:fire': ['triggers:write'],
  'POST /hooks/{pipeline}/{trigger}': 'all',
  'GET /api/v1/tokens': [],
  'POST /api/v1/tokens': [],
  'DELETE /api/v1/tokens/{id}': [],
  'GET /api/v1/audit': [],
  'GET /livez': 'all',
  'GET /readyz': 'all',
  'GET /metrics': ['read'],
  'GET /problems/{kind}': 'all',
  'GET /api/v1/controllers': ['read'],
  'GET /api/v1/services': ['read'],
  'GET /api/v1/openapi.json': 'all',
  'GET /docs': 'all',
  'GET /assets/{name}': 'all',
  'GET /login': 'all',
  'POST /login': 'all',
  'POST /logout': 'all',
  'POST /preferences': 'all',
  'GET /': ['read'],
  'GET /runs': ['read'],
  'POST /runs': ['runs:write'],
  'GET /runs/{run}': ['read'],
  'GET /runs/{run}/steps/{step}/attempts/{attempt}': ['read'],
  'POST /runs/{run}:cancel': ['runs:write'],
  'POST /runs/{run}:resume': ['runs:write'],
  'POST /runs/{run}:retry': ['runs:write'],
  'POST /runs/{run}:replay': ['runs:write'],
  'GET /runs/{run}/quarantine': ['data'],
  'GET /triggers': ['read'],
  'GET /pipelines/{pipeline}/triggers/{trigger}': ['read'],
  'POST /pipelines/{pipeline}/triggers/{trigger}:pause': ['triggers:write'],
  'POST /pipelines/{pipeline}/triggers/{trigger}:resume': ['triggers:write'],
  'POST /pipelines/{pipeline}/triggers/{trigger}:skip': ['triggers:write'],
  'POST /pipelines/{pipeline}/triggers/{trigger}:fire': ['triggers:write'],
  'GET /pipelines': ['read'],
  'GET /pipelines/{pipeline}': ['read'],
  'POST /pipelines/{pipeline}:plan': ['runs:write'],
  'GET /plans/{plan}': ['read'],
  'GET /messages': ['read'],
  'GET /settings': ['read'],
  'POST /tokens/{id}:revoke': [],
};

/** The bodies of requests, by the names of their routes. */
export const bodies: Readonly<Record<string, unknown>> = {
  startRun: { pipeline: 'alpha' },
  createPlan: {},
  createToken: { name: 'x' },
  pauseTrigger: {},
  fireTrigger: {},
};

/** A form as a browser sends it to a page. */
export function formOf({ name, accepts = '' }: AnyRoute, admin: string) {
  const boundary = 'a-boundary';
  const isFile = accepts === 'multipart/form-data';
  const file = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\ncontent-type: text/csv\r\n\r\na,b,c\n1,2,3\n\r\n--${boundary}--\r\n`;
  const fields: Readonly<Record<string, string>> = { login: `token=${admin}`, startRunForm: 'pipeline=alpha' };
  return {
    headers: {
      'content-type': isFile ? `${accepts}; boundary=${boundary}` : accepts,
      origin: 'http://127.0.0.1:8811',
    },
    body: isFile ? file : (fields[name] ?? ''),
  };
}
