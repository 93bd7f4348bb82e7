-- wrk -s wrk.lua URL [-- BYTES]: BYTES of body make each call an upload. Prints what was measured as JSON.

function init(args)
  if args[1] then
    wrk.method = "POST"
    wrk.body = string.rep("x", tonumber(args[1]))
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"calls": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": ' ..
    '{"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status
  ))
end
