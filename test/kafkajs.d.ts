/** Internals of kafkajs 2.2.4, with which tests compare. */
declare module 'kafkajs/src/protocol/decoder.js' {
  const Decoder: new (bytes: Buffer) => object;
  export = Decoder;
}
declare module 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js' {
  const decodeMessages: (
    decoder: object,
  ) => Promise<readonly { readonly offset: string; readonly timestamp: string; readonly value: Buffer | null }[]>;
  export = decodeMessages;
}
