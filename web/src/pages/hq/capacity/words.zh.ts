export const zh = {
  capacity: {
    title: '时段与人手',
    explanation: '每家门店每半小时能接多少单、已接多少单。颜色越深越满。',
    store: '门店',
    packers: '人手',
    on_time: '今天准时',
    none: '暂无',
    makes: '{packers} 人 × {rate} 单/时',
    uncounted: '不按时段接单',
    cell: '{store} {span}：已接 {taken}，提交中 {held}，还剩 {free}',
    legend: '格内：已接（含提交中）/ 能接',
    closed_until: '打烊至 {time}',
    edit: '改人手',
    refresh: '刷新',
    failed: '没有读到，请再试一次。',
  },
}
