-- wrk -s wrk.lua URL [-- BYTES [EVERY]]: BYTES of body, if not 0, make each call an upload; with EVERY, each so
-- manieth call asks to be traced. Prints what was measured as JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  calls, traced = 0, 0
  local bytes, every = tonumber(args[1] or "0"), tonumber(args[2] or "0")
  if bytes > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("x", bytes)
  end
  if every > 0 then
    ask_to_be_traced(every)
  end
end

function ask_to_be_traced(every)
  local plain = wrk.format()
  wrk.headers["Ocp-Apim-Trace"] = "true"
  local asking = wrk.format()
  request = function()
    calls = calls + 1
    return calls % every == 0 and asking or plain
  end
  response = function(status, headers)
    for name in pairs(headers) do
      if name:lower() == "ocp-apim-trace-location" then
        traced = traced + 1
      end
    end
  end
end

function done(summary, latency, requests)
  local errors, all_traced = summary.errors, 0
  for _, thread in ipairs(threads) do
    all_traced = all_traced + thread:get("traced")
  end
  print(string.format(
    '{"calls": %d, "seconds": %f, "p50": %f, "p99": %f, "traced": %d, "errors": ' ..
    '{"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    all_traced, errors.connect, errors.read, errors.write, errors.timeout, errors.status
  ))
end
