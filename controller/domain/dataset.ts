/** Data outside Sluice, by the naming conventions of OpenLineage, which other tools follow, too. */
export interface Dataset {
  /** Where it is: `postgres://host:5432`, `kafka://host:9092`, `file`, `s3://bucket`. */
  readonly namespace: string;
  /** `database.schema.table`, a topic, a path. */
  readonly name: string;
}
