/** The words of presales, in English. */
export const en = {
  presales: {
    title: 'Presales',
    explanation:
      'Goods such as Friday’s set meals: ordered until the cut-off, packed overnight in one wave, handed over in a window. Each shop takes as many orders as its hands can pack while it is shut.',
    add: 'Open a presale',
    name: 'Name',
    products: 'Products',
    cut_off: 'Orders until',
    ready: 'All packed by',
    until: 'Handed over until',
    times: 'Orders until {cut_off} · packed by {ready} · handed over until {until}',
    open: 'Taking orders',
    packing: 'Being packed',
    ready_now: 'Handed over',
    over: 'Over',
    close: 'Close now',
    close_sure: 'Take no more orders for “{name}”? What is ordered will be packed.',
    closed_now: 'Closed.',
    failed: 'Not changed, please try again.',
    store: 'Shop',
    places: 'Orders',
    no_limit: 'no limit',
    capacity: 'Orders that {store} packs',
    nothing: 'No presales yet.',
  },
}
