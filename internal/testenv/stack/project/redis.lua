-- What the machine learning services keep in Redis: every type, some with an expiry, and models that are not text.
for n = 1, 200 do
  redis.call("set", "ml:classification:" .. n, "class " .. n % 7)
  redis.call("hset", "ml:forecasting:" .. n, "mean", n / 3, "low", n / 4, "high", n / 2)
end
for n = 1, 20 do
  redis.call("set", "model:" .. n, string.rep(string.char(0, n, 255, 13, 10), 4000))
  redis.call("sadd", "features:set:" .. n, "weight", "price", "sku" .. n)
  redis.call("zadd", "features:rank:" .. n, 1.5, "first", n, "other")
  redis.call("rpush", "features:list:" .. n, "a", n, "")
  redis.call("set", "session:" .. n, "open", "PX", 864000000 + n)
end
redis.call("xadd", "events", "1-1", "kind", "trained", "model", "1")
redis.call("select", 3)
redis.call("set", "celery", "a key of another database")
return "ok"
