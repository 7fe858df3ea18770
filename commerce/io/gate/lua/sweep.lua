-- Returns holds that are overdue and whose stream entry is gone; holds with an entry wait on.
-- What stands behind a dollar sign is filled in by commerce/io/gate/codec.py.
--
-- KEYS  1 orders (stream)  2 available  3 held  4 holds  5 hold
-- ARGV  1 now  2 hold ms  3 most holds to look at
-- Gives the number of holds that were returned. (Their seat and units bought stay counted until
-- the keys expire: the buyer's answer never came, and a second tap is a replay.)

local returned = 0
for _, order_id in ipairs(
  redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local hold = redis.call('HGET', KEYS[5], order_id)
  if not hold then
    redis.call('ZREM', KEYS[4], order_id)
  else
    local $HOLD = string.match(hold, $HOLD_PATTERN)
    if #redis.call('XRANGE', KEYS[1], entry_id, entry_id) > 0 then
      redis.call('ZADD', KEYS[4], string.format('%d', tonumber(ARGV[1]) + tonumber(ARGV[2])),
        order_id)
    else
      redis.call('HDEL', KEYS[5], order_id)
      redis.call('ZREM', KEYS[4], order_id)
      if needs == '' then needs = product_id .. ' ' .. quantity end
      if slot ~= '' then needs = needs .. ',slot:' .. slot .. ' 1' end
      for item, units in string.gmatch(needs, $UNITS_PATTERN) do
        local row = item .. '|' .. store_id
        redis.call('HINCRBY', KEYS[3], row, -units)
        redis.call('HINCRBY', KEYS[2], row, units)
      end
      for quota, units in string.gmatch(quotas, $UNITS_PATTERN) do
        redis.call('HINCRBY', KEYS[3], quota .. '|', -units)
        redis.call('HINCRBY', KEYS[2], quota .. '|', units)
      end
      if coupon_id ~= '' then
        -- A key of this gate that only its holds know.
        local coupon = string.sub(KEYS[1], 1, -#'orders' - 1) .. 'coupon:' .. coupon_id
        if redis.call('GET', coupon) == order_id then redis.call('DEL', coupon) end
      end
      returned = returned + 1
    end
  end
end
return returned
