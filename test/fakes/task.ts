import type { Answer } from '../../controller/domain/events.ts';
import type { TaskRequest, TaskRunner } from '../../controller/domain/ports/task.ts';

/** A task runner with given answers that records its requests. A key that has an answer gets the same one again. */
export function memoryTaskRunner(
  answerTo: (request: TaskRequest) => Answer | Promise<Answer>,
): TaskRunner & { readonly keys: readonly string[] } {
  const keys: string[] = [];
  const answers = new Map<string, Answer>();
  return {
    keys,
    async run(request) {
      keys.push(request.key);
      const answer = answers.get(request.key) ?? (await answerTo(request));
      answers.set(request.key, answer);
      return answer;
    },
  };
}
