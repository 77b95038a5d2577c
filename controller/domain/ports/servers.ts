import type { Pipeline } from '../pipeline.ts';

/** What a server has of a pipeline. */
export interface ServedPipeline {
  /** Of the content: the file and the SQL files that it names. */
  readonly version: string;
  readonly file: string;
  /** Why its file cannot be used; its last valid content is served, when there is one. */
  readonly problem?: string;
}

/** What a server tells the others about itself. */
export interface ServerInfo {
  /** Of its deployment: the server with the higher one decides. */
  readonly release: string;
  readonly version: string;
  readonly node: string;
  /** The version of its time zone rules. */
  readonly tzdata: string;
  /** Its background services. */
  readonly services: readonly string[];
  /** Where its API is, when it serves one. */
  readonly url?: string;
  readonly pipelines: Readonly<Record<string, ServedPipeline>>;
}

export interface Server {
  /** The name of its controller. */
  readonly owner: string;
  readonly info: ServerInfo;
}

/** A pipeline that was valid once. */
export interface KeptPipeline {
  readonly file: string;
  readonly version: string;
  readonly pipeline: Pipeline;
  readonly text: string;
}

/** The servers of a project and the last valid content of its pipelines. */
export interface ServerStore {
  /** Replaces what a server has told. */
  announce(server: Server): Promise<void>;
  /** The servers whose controllers have a valid lease. */
  servers(): Promise<readonly Server[]>;
  keepPipeline(kept: KeptPipeline): Promise<void>;
  /** The last valid content of a file. */
  keptPipeline(file: string): Promise<KeptPipeline | undefined>;
}
