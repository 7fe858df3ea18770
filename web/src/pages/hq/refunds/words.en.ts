import type { zh } from './words.zh'

export const en: typeof zh = {
  refunds: {
    title: 'Refunds',
    explanation:
      'Refunds go out at the provider’s pace: 150 a second, and a minute between two of one order.',
    state: 'State',
    waiting: 'Waiting',
    unknown: 'No answer yet, being asked for',
    failed: 'Failed',
    done: 'Done',
    queued: 'Waiting to be sent',
    sent: 'Sent',
    order: 'Order {number}',
    call: 'Call {n} · sent {attempts} times',
    since: 'Requested {time}',
    sent_at: 'Sent {time}',
    retry: 'Send again',
    retried: 'It is queued again.',
    not_retried: 'That did not work. Reload and try again.',
    nothing: 'There are no such refunds.',
    sum: '{n} refund, {price} | {n} refunds, {price}',
  },
}
