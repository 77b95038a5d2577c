import type { Pipeline } from '../../controller/domain/pipeline.ts';
import type { SourceReader } from '../../controller/domain/ports/source.ts';
import type { CheckedProfiles, Profile } from '../../controller/domain/profile.ts';
import { rejected } from '../../controller/lib/errors.ts';

/** A source reader with fixed profiles, for tests of decisions by measures. */
export function memorySourceReader(answers: Readonly<Record<string, Profile>>): SourceReader {
  return {
    async profile(name) {
      const answer = answers[name];
      if (!answer) throw rejected(`${name}: there is no such source`);
      return answer;
    },
    isReadable: async () => true,
    close: async () => undefined,
  };
}

/** Returns the profiles unchanged, without checks. */
export const memoryRowChecks = async (
  _pipeline: Pipeline,
  profiles: CheckedProfiles['profiles'],
): Promise<CheckedProfiles> => ({
  profiles,
  findings: {},
});
