/** A value with its labels. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string;
}

/** A metric with all its samples. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** A gauge of Sluice. */
export const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  ...{ name: `sluice_${name}`, type: 'gauge', help, samples },
});

/** A sample for each item that has the number. */
export const samplesOf = <T>(
  all: readonly T[],
  labelsOf: (of: T) => Readonly<Record<string, string>>,
  numberOf: (of: T) => number | undefined,
): Sample[] =>
  all.flatMap((of) => {
    const value = numberOf(of);
    return value === undefined ? [] : [{ labels: labelsOf(of), value }];
  });

/** The media type of the text format of Prometheus. */
export const mediaType = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics in the text format of Prometheus. Those without samples are left out. */
export const exposed = (families: readonly Family[]): string =>
  families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples }) => [
      `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(({ labels = {}, value, suffix = '' }) => `${name}${suffix}${shown(labels)} ${numeral(value)}`),
    ])
    .map((line) => `${line}\n`)
    .join('');

const escaped = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`);

function shown(labels: Readonly<Record<string, string>>): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`);
  return all.length === 0 ? '' : `{${all.join(',')}}`;
}

/** A number as the format writes it. */
export const numeral = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
