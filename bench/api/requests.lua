-- Sends numbered requests until so many have been answered: `-- METHOD COUNT STATUS CONTENT-TYPE PATH [BODY]`.
-- `{i}` in path and body is the request's number, `{digit}` its last digit. Prints what it measured as one line for load.ts.
local ffi = require('ffi')
ffi.cdef('int kill(int, int); int getpid(void);')

local method, count, status, path, body, headers
-- wrk asks for one request before the first that it sends, to look at.
local sent, answered, wrong, sample = -1, 0, 0, ''

function init(args)
  method, count, status, path, body = args[1], tonumber(args[2]), tonumber(args[3]), args[5], args[6]
  headers = wrk.headers
  headers['Content-Type'] = args[4]
end

-- What connections ask for that have nothing left to write while the last answers are awaited: wrk cannot leave them idle. It must not
-- be a write: its answer would be counted for one that is still under way, which then ends with wrk.
local FILLER = 'nothing-left-to-write'

function request()
  if sent >= count then return wrk.format('GET', '/api/v1/namespaces/' .. FILLER, headers) end
  local number = tostring(math.max(sent, 0))
  sent = sent + 1
  return wrk.format(method, path:gsub('{i}', number), headers, body and body:gsub('{(%w+)}', { i = number, digit = number:sub(-1) }))
end

function response(code, _, text)
  if code == 404 and text:find(FILLER, 1, true) then return end
  answered = answered + 1
  if code ~= status then
    wrong = wrong + 1
    sample = text
  end
  if answered == count then
    if wrong > 0 then
      io.stderr:write(wrong, ' of ', count, ' answers were not ', status, ': ', sample, '\n')
      os.exit(1)
    end
    wrk.thread:stop()
    -- wrk itself would sleep until its time is up.
    ffi.C.kill(ffi.C.getpid(), 2)
  end
end

function done(summary, latency)
  local line = '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d}\n'
  io.write(line:format(summary.requests, summary.duration, latency:percentile(50), latency:percentile(99)))
end
