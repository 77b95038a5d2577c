/** How urgent an alert is, the most urgent first. */
export const severities = ['critical', 'error', 'warning'] as const;
export type Severity = (typeof severities)[number];

/** A condition that holds for something: plain JSON, whose order of labels does not vary. */
export interface AlertCase {
  readonly name: string;
  readonly severity: Severity;
  /** What it is about: `pipeline`, `trigger`, `source`, `channel` and the like. With the name, they identify it. */
  readonly labels: Readonly<Record<string, string>>;
  /** Values of its text. */
  readonly facts: Readonly<Record<string, string | number>>;
}

/** An alert from its beginning to its end. Times are milliseconds since 1970, by the store. */
export interface Alert extends AlertCase {
  /** Grows from alert to alert. */
  readonly id: number;
  /** Grows with every change. */
  readonly seq: number;
  readonly began: number;
  readonly ended: number | undefined;
  /** When it was last sent to each recipient, by `channel recipient`. */
  readonly sent: Readonly<Record<string, number>>;
  readonly acknowledged: { readonly by: string; readonly at: number } | undefined;
}

/** A change of an alert: it begins, is sent once more or ends. */
export type AlertChange =
  | { readonly begins: AlertCase; readonly sent: Alert['sent'] }
  | {
      /** Refused when the alert has been changed since. */
      readonly of: Pick<Alert, 'id' | 'seq'>;
      readonly facts?: AlertCase['facts'];
      readonly sent?: Alert['sent'];
      readonly ends?: true;
    };

/** What is judged, and how urgent it is. The rules for Prometheus have the same names after `Sluice`. */
export const alertKinds = {
  RunFailed: 'error',
  ScheduleLate: 'critical',
  TriggerFailing: 'error',
  TriggerStopped: 'error',
  TriggerHeld: 'warning',
  PipelineBroken: 'error',
  QueueStuck: 'warning',
  RetriesBurning: 'warning',
  QuarantineHigh: 'warning',
  OutboxStuck: 'error',
  MessagesRefused: 'error',
  GatewayAway: 'error',
  RunUnusual: 'warning',
  PromiseBroken: 'error',
  PromiseAtRisk: 'warning',
} as const satisfies Readonly<Record<string, Severity>>;
export type AlertName = keyof typeof alertKinds;

/** A condition that holds now, but counts only when it has held for a while. */
export interface Finding extends AlertCase {
  readonly name: AlertName;
  /** Milliseconds; at once, when left out. */
  readonly forMs?: number;
}

/** Names and labels identify an alert while it lasts. */
export const keyOfAlert = ({ name, labels }: Pick<AlertCase, 'name' | 'labels'>): string =>
  JSON.stringify([name, labels]);

/** Who is told of alerts. */
export interface Recipient {
  /** Identifies it: the channel and the address. */
  readonly id: string;
  /** Whether it is told of an alert at all. */
  accepts(alert: AlertCase): boolean;
  /** How often it is told again of an alert that lasts. Milliseconds; never, when left out. */
  readonly repeatMs?: number | undefined;
  /** A program, which silences and groups by itself: it knows no quiet hours, and is told of acknowledged alerts. */
  readonly isProgram: boolean;
}

/** A message to a recipient about an alert. */
export interface Telling {
  readonly recipient: string;
  readonly alert: AlertCase & { readonly began: number };
  readonly is: 'begins' | 'lasts' | 'ends';
}

/** The changes of one judgement, and who is told what. */
export interface Judgement {
  readonly changes: readonly AlertChange[];
  readonly tellings: readonly Telling[];
}

interface Judged {
  /** Milliseconds since 1970, by the store. */
  readonly now: number;
  readonly open: readonly Alert[];
  readonly found: readonly AlertCase[];
  /** Whether it cannot be said yet that an alert has ended. */
  isUndecided(alert: AlertCase): boolean;
  readonly recipients: readonly Recipient[];
  /** People are not woken for less than critical alerts; they are told afterwards if those still last. */
  readonly isQuiet: boolean;
}

/**
 * Decides which alerts begin, end or are told once more. An alert ends without a message when it was told to none. Pure.
 */
export function judge({ now, open, found, isUndecided, recipients, isQuiet }: Judged): Judgement {
  const changes: AlertChange[] = [];
  const tellings: Telling[] = [];
  const holding = new Map(found.map((each) => [keyOfAlert(each), each]));
  const tell = (alert: Telling['alert'], sent: Alert['sent'], isAcknowledged: boolean): Alert['sent'] => {
    const due = recipients.filter((each) => {
      if (!each.accepts(alert)) return false;
      if (!each.isProgram && (isAcknowledged || (isQuiet && alert.severity !== 'critical'))) return false;
      const last = sent[each.id];
      return last === undefined || (each.repeatMs !== undefined && now - last >= each.repeatMs);
    });
    for (const { id } of due) tellings.push({ recipient: id, alert, is: sent[id] === undefined ? 'begins' : 'lasts' });
    return due.length === 0 ? sent : { ...sent, ...Object.fromEntries(due.map(({ id }) => [id, now])) };
  };
  for (const alert of open) {
    const { id, seq, began, sent, acknowledged } = alert;
    const key = keyOfAlert(alert);
    const still = holding.get(key);
    holding.delete(key);
    if (still) {
      const after = tell({ ...still, began }, sent, acknowledged !== undefined);
      if (after !== sent) changes.push({ of: { id, seq }, sent: after, facts: still.facts });
    } else if (!isUndecided(alert)) {
      changes.push({ of: { id, seq }, ends: true });
      for (const recipient of recipients)
        if (sent[recipient.id] !== undefined) tellings.push({ recipient: recipient.id, alert, is: 'ends' });
    }
  }
  for (const begins of holding.values()) changes.push({ begins, sent: tell({ ...begins, began: now }, {}, false) });
  return { changes, tellings };
}
