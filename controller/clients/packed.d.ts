/** Packages without types of their own. */
declare module 'lz4js' {
  export function decompressBound(bytes: Uint8Array): number;
  export function decompress(bytes: Uint8Array, maxSize?: number): Uint8Array;
  export function compress(bytes: Uint8Array): Uint8Array;
}
declare module 'snappyjs' {
  export function uncompress(bytes: Buffer, maxLength?: number): Buffer;
  export function compress(bytes: Buffer): Buffer;
}
declare module 'kafkajs/src/protocol/requests/index.js' {
  const protocol: {
    readonly requests: { readonly Fetch: unknown };
    readonly lookup: (versions: object) => import('./kafka-fetch.ts').Broker['lookupRequest'];
  };
  export = protocol;
}
