import fc from 'fast-check';
import { sparkMaster } from '../../controller/adapters/backends/livy/spark-master.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import { fakeSpark } from '../fakes/spark.ts';
import type { Subject } from './subject.ts';

const states: readonly string[] = ['pending', 'running', 'cancelling', 'cancelled', 'succeeded', 'failed'];
const words = [
  'id',
  'name',
  'state',
  'k',
  'running',
  'dead',
  'success',
  '__proto__',
  'constructor',
  'sessions',
  'log',
  'workers',
  'activeapps',
  'completedapps',
  'appInfo',
  'sparkUiUrl',
  'javascript:1',
  '\u001b]0;x\u0007',
];

/** Random responses of a gateway and a Spark master. */
export async function gateways(): Promise<Subject> {
  const spark = await fakeSpark();
  const json = fc.jsonValue({ maxDepth: 4 });
  const likely = fc.dictionary(
    fc.constantFrom(...words),
    fc.oneof(
      json,
      fc.constantFrom(...words),
      fc.integer(),
      fc.array(fc.dictionary(fc.constantFrom(...words), fc.oneof(fc.constantFrom(...words), fc.integer()))),
    ),
  );
  return {
    name: 'answers of gateways',
    share: 0.5,
    close: spark.close,
    async play(random) {
      const body = random(() =>
        fc
          .oneof(json, likely)
          .map((value) => JSON.stringify(value))
          .chain((text) => fc.constantFrom(text, text.slice(0, text.length / 2), `<html>${text}`)),
      );
      const status = random(fc.constantFrom, 200, 200, 200, 201, 204, 302, 400, 404, 500, 503);
      spark.livy.fault = spark.master.fault = () => ({ status, body });
      const livy = spark.backend();
      const master = sparkMaster(spark.masterAddress);
      let answered = false;
      for (const ask of [
        () => livy.find('k'),
        () => livy.observe({ key: 'k', id: '0' }),
        () => livy.logs({ key: 'k', id: '0' }),
        () => master.capacity(),
        () => master.application('k'),
      ]) {
        try {
          const said = (await ask()) as { state?: string; ui?: string } | undefined;
          answered = true;
          if (ask.toString().includes('observe') && !states.includes(said?.state ?? ''))
            throw new TypeError(`state ${said?.state}`);
          if (said?.ui !== undefined && !/^https?:/.test(said.ui)) throw new TypeError(`link ${said.ui}`);
        } catch (error) {
          if (!(error instanceof SluiceError)) throw error;
        }
      }
      return answered ? 'accepted' : 'refused';
    },
  };
}
