import { outliveReaders, outputOf } from '../../controller/cli/view/output.ts';

/** A command that prints for a while, and ends with exit code 7 when it has done its work. */
outliveReaders();
const output = outputOf(false);
for (let n = 1; n <= 50; n++) {
  output.line(`line ${n}`);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
process.exitCode = 7;
