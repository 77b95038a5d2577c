import { addressesOf } from '../config/addresses.ts';
import { variables } from '../config/env.ts';
import type { Project } from '../config/project.ts';
import { httpCaller } from './http.ts';
import type { Caller } from './port.ts';
import { postgresCaller } from './postgres.ts';

/** The caller of a project: hands each step to the adapter of its kind. */
export function callerOf(project: Project): Caller {
  const http = httpCaller(variables);
  const postgres = postgresCaller(project.root, addressesOf(project).postgres);
  return { call: (call) => (call.step.http ? http : postgres).call(call) };
}
