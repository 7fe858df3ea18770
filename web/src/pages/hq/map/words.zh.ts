export const zh = {
  map: {
    title: '地图',
    explanation: '小区、门店和仓库的位置；小区的颜色表示先由哪家门店供货。',
    city: '城市',
    all: '所有城市',
  },
}
