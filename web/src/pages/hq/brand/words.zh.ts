export const zh = {
  brand: {
    title: '品牌设置',
    explanation: '品牌名称，和对每笔订单、每台设备的限制。',
    confirm_above: '超过这个金额要再点一次确认',
    units_per_address: '同一网络地址每场直播最多买几件',
    units_per_device: '同一浏览器每场直播最多买几件',
    seats_per_device: '同一浏览器在一个团里最多占几席',
    recording_days: '直播录像保留天数（0 为不录）',
    phone_needed: '邻居下单前要先验证手机号',
    member_prices: '验证过手机号的邻居就是会员，享会员价',
    split_orders: '一家店凑不齐时，可分两单由两家店备货',
    store_presales: '门店可以自己开预售，也可以取消自己那份预售',
    totp_needed: '总部账号登录要用验证器',
    yes: '是',
    no: '否',
    recording_gib: '录像最多占用空间（GiB）',
  },
}
