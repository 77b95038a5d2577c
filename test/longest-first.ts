import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The integration tests that take longest, the longest first. */
const longest = ['failures', 'chaos', 'controllers', 'gateway', 'trouble', 'differential', 'engines'];

/** Begins with the long files, so that the workers end together: in a fresh clone nothing is known of times. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project, moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/integration/${name}.test.ts`));
      return project.config.sequence.groupOrder * 100 + (at < 0 ? longest.length : at);
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
