import type { Answer } from '../../controller/domain/events.ts';
import type { Call, Caller } from '../../controller/domain/ports/task.ts';

/** A caller that answers as told, and remembers what it was asked; a key that was answered once is answered the same again. */
export function memoryCaller(
  answerTo: (call: Call) => Answer | Promise<Answer>,
): Caller & { readonly keys: readonly string[] } {
  const keys: string[] = [];
  const answers = new Map<string, Answer>();
  return {
    keys,
    async call(call) {
      keys.push(call.key);
      const answer = answers.get(call.key) ?? (await answerTo(call));
      answers.set(call.key, answer);
      return answer;
    },
  };
}
