/** The words of a room's list of goods, in English. */
import type { zh } from './words.zh'

export const en: typeof zh = {
  goods: {
    title: 'All goods: {n}',
    search: 'Search goods',
    none: 'Nothing found.',
    explaining: 'Explained now',
    sold_out: 'Sold out',
    buy: 'Buy',
    failed: 'The goods did not load.',
    retry: 'Try again',
    open: 'List of goods',
    sort: 'List of goods {n}/{max}',
    hint: 'Drag to sort, or take a handle and press up or down.',
    add: 'Add',
    remove: 'Remove',
    move: 'Move {name}, number {at}',
    moved: '{name} is number {at} now',
    listed: 'Listed',
    others: 'Not listed',
    explain: 'Explain',
    explain_end: 'End',
    not_live: 'Goods are explained in a live.',
    save_failed: 'It was not saved. Please try again.',
    full: 'At most {max} are listed.',
    price_asked: '{n} asks the price | {n} ask the price',
    price_send: 'Answer {name} {price}',
    price_line: '{name}: {price} / {unit}',
    price_group: ', {price} in the group',
  },
}
