export const zh = {
  estates: {
    title: '小区',
    explanation: '邻居住在这里。拼团按小区成团，货从排在前面的门店出。',
    search: '小区、城市或门店',
    city: '城市',
    no_city: '不属于任何城市',
    store: '供货门店',
    cells: 'H3 格',
    rings: '周围几圈 H3 格',
    stores: '供货门店（按先后）',
    stores_hint: '先选的先供货，最多五家',
    time_zone: '时区',
    add: '新增小区',
  },
}
