import type { zh } from './household.zh'

/** Words about a guest's phone number and flat: on the page of their own, and where an order asks for them. */
export const en: typeof zh = {
  household: {
    one_more: 'One more thing',
    phone: 'Phone number',
    phone_known: 'Verified, ends in {digits}.',
    phone_needed: 'This shop asks for a verified number before you order.',
    sms_on: 'If nothing else reaches you, a text message comes.',
    sms_stop: 'Stop and delete the number',
    phone_number: 'Phone number',
    phone_other: 'Another number',
    send: 'Send a code',
    send_again: 'Send again',
    sent: 'A code went to the number that ends in {digits}. Valid for 5 minutes.',
    code: 'Code of 6 digits',
    verify: 'Verify',
    dwelling: 'Building and flat',
    dwelling_hint:
      'Once the shop has confirmed them, the people you live with count as one household, and goods can be delivered.',
    building: 'Building',
    flat: 'Flat',
    flat_of: 'Building {building}, flat {flat}',
    state_waiting: 'the shop will confirm it',
    state_confirmed: 'confirmed by the shop',
    state_refused: 'refused by the shop, please ask there',
    people: '{n} people count as your household.',
    ask_shop: 'Ask the shop to confirm',
    problem_number: 'This is no phone number; numbers from abroad begin with + and their country.',
    problem_code: 'Wrong code, please look at the message again.',
    problem_expired: 'The code has expired, please send another one.',
    problem_rate_limited: 'Too many attempts. Please try again later.',
    problem_not_sent: 'The message was not sent. Please try again later.',
    problem_building: 'Only digits and letters for the building, such as 12.',
    problem_flat: 'Only digits and letters for the flat, such as 1203.',
    problem_failed: 'That did not work. Please check the connection and try again.',
  },
}
