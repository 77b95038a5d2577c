/** Packages that bring no types of their own. */
declare module 'lz4js' {
  export function decompressBound(bytes: Uint8Array): number;
  export function decompress(bytes: Uint8Array, maxSize?: number): Uint8Array;
}
declare module 'snappyjs' {
  export function uncompress(bytes: Buffer, maxLength?: number): Buffer;
}
declare module 'kafkajs/src/protocol/requests/index.js' {
  export const requests: { readonly Fetch: unknown };
}
