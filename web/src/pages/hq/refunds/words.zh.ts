/** The words of refunds, in Chinese. */
export const zh = {
  refunds: {
    title: '退款',
    explanation: '退款按支付渠道的限速发出：每秒 150 笔，同一订单间隔 1 分钟。',
    state: '状态',
    waiting: '等待中',
    unknown: '结果未知，正在查询',
    failed: '失败',
    done: '已完成',
    queued: '等待发出',
    sent: '已发出',
    order: '订单 {number}',
    call: '第 {n} 次 · 已发 {attempts} 次',
    since: '{time} 申请',
    sent_at: '{time} 发出',
    retry: '再发一次',
    retried: '已重新排队。',
    not_retried: '没有成功，请刷新后再试。',
    nothing: '没有这样的退款。',
    sum: '共 {n} 笔，{price}',
  },
}
