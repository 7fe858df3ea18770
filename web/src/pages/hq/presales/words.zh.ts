/** The words of presales, in Chinese. */
export const zh = {
  presales: {
    title: '预售',
    explanation:
      '例如周五的套餐：截单前下单，夜里统一备货，在约定时间交付。每家门店按打烊后人手能备的单数接单。',
    add: '开一场预售',
    name: '名称',
    products: '商品',
    cut_off: '截单时间',
    ready: '全部备好',
    until: '交付截止',
    times: '{cut_off} 截单 · {ready} 前备好 · {until} 前交付',
    open: '接单中',
    packing: '备货中',
    ready_now: '交付中',
    over: '已结束',
    close: '现在截单',
    close_sure: '“{name}”不再接单？已下的订单照常备货。',
    closed_now: '已截单。',
    failed: '没有改成，请再试一次。',
    store: '门店',
    places: '订单',
    no_limit: '不限',
    capacity: '{store} 能备的单数',
    nothing: '还没有预售。',
  },
}
