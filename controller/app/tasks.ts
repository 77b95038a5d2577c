import { httpCaller } from '../adapters/tasks/http.ts';
import { postgresCaller } from '../adapters/tasks/postgres.ts';
import { addressesOf } from '../config/addresses.ts';
import type { Project } from '../config/project.ts';
import type { Caller } from '../domain/ports/task.ts';
import { variables } from '../lib/env.ts';

/** The caller of a project: hands each step to the adapter of its kind. */
export function callerOf(project: Project): Caller {
  const http = httpCaller(variables);
  const postgres = postgresCaller(project.root, addressesOf(project).postgres);
  return { call: (call) => (call.step.http ? http : postgres).call(call) };
}
