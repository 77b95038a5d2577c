import type { Measures, Profile } from '../../controller/domain/profile.ts';

/** A profile of this many rows, clean unless specified. */
export function profile(measures: Partial<Measures> = {}): Profile {
  const rows = measures.rows ?? 100;
  const invalid = measures.invalid ?? 0;
  return {
    measures: {
      rows,
      valid: rows - invalid,
      invalid,
      invalidByReason: {},
      nulls: {},
      duplicates: 0,
      bytes: rows * 50,
      new: rows,
      ...measures,
    },
    pin: { kind: 'csv', files: [] },
    examples: [],
  };
}
