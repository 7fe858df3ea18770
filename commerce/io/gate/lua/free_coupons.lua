-- Forgets which orders took coupons that came back to their households.
--
-- KEYS  coupon:{id} of each
-- ARGV  the order of each that gave it back
-- Gives how many were forgotten.

local freed = 0
for at, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[at] then freed = freed + redis.call('DEL', key) end
end
return freed
