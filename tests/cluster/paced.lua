-- SPDX-License-Identifier: GPL-2.0-or-later
-- wrk at a walking pace: an HTTP load beside the figures, not a race for the CPU.
-- Every tenth request closes its connection, so new ones come all the time.

local count = 0

function request()
	count = count + 1
	if count % 10 == 0 then
		return wrk.format("GET", nil, { ["Connection"] = "close" })
	end
	return wrk.format("GET")
end

function delay()
	return 20
end

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format(
		'{"requests":%d,"broken":%d,"refused":%d,"slow":%d,"status":%d}\n',
		summary.requests, errors.read + errors.write, errors.connect,
		errors.timeout, errors.status))
end
