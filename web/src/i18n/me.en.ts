/** The words of the guest's own page, in English. */
import type { zh } from './me.zh'

export const en: typeof zh = {
  me: {
    title: 'Me',
    nobody: 'Nobody yet on this device',
    nobody_hint: 'With your first order or chat line you give a name and your estate, once.',
    lost: 'We no longer recognise {nickname} on this device',
    lost_hint:
      'Get a move code on the page “Me” of another device: with it your orders and pickup codes come back.',
    offline: 'The shop cannot be reached right now.',
    as_of: 'Offline, as of {time}.',
    orders: 'My orders',
    no_orders: 'No orders yet.',
    number: 'Order {number}',
    refunded: 'Refunded {price}',
  },
  move: {
    out: 'Use another device, too',
    out_hint:
      'Scan this QR code with the other device, or enter the move code on its page “Me”. Valid for 10 minutes, once. Do not pass it on.',
    start: 'Get a move code',
    again: 'Get another one',
    qr: 'QR code for the other device',
    left: '{n} min left',
    ended: 'This move code has expired.',
    into: 'Enter a move code',
    into_hint: 'Open “Me” on your other device and get a move code there.',
    replaces:
      'This device is {nickname} now. It becomes the guest of the code; the orders of {nickname} then show on other devices only.',
    code: 'Move code',
    submit: 'Bring my orders here',
    busy: 'One moment…',
    problem_unknown: 'Wrong, used or expired. Please get another code on your other device.',
    problem_rate_limited: 'Too many attempts. Please wait a moment.',
    problem_failed: 'That did not work. Please check the connection and try again.',
  },
  orders: {
    pickup_code: 'Pickup code',
    pickup_hint: 'Show the QR code in the shop, or read out the code.',
    qr: 'QR code for pickup',
  },
  order_state: {
    waiting_group: 'Waiting for group',
    new: 'Received',
    picking: 'Picking',
    packed: 'Packed',
    ready: 'Ready',
    handed_over: 'Picked up',
    cancelled: 'Cancelled',
  },
}
