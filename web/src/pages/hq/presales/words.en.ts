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
    own: 'Of {store}, for its rooms',
    open: 'Taking orders',
    packing: 'Being packed',
    ready_now: 'Handed over',
    over: 'Over',
    close: 'Close now',
    close_sure: 'Take no more orders for “{name}”? What is ordered will be packed.',
    closed_now: 'Closed.',
    cancelled: 'Cancelled',
    cancel: 'Cancel and refund',
    cancel_sure:
      'Cancel “{name}”? It takes no more orders, its {orders} orders end, and all that was paid for them goes back. This cannot be undone.',
    cancelled_now: 'Cancelled: orders end, and refunds are on their way.',
    failed: 'Not changed, please try again.',
    store: 'Shop',
    places: 'Orders',
    no_limit: 'no limit',
    capacity: 'Orders that {store} packs',
    nothing: 'No presales yet.',
  },
}
