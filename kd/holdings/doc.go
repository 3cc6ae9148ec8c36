// Package holdings is whose memory it is: what the pools of our processes, and the
// sections beside them, hold by tag, process, port and place in the code, which limits
// are nearly used up, and what grew between two looks.
//
// A look (Look) passes once over the blocks of all pools. The blocks say what is held
// now; the accounts that each pool keeps (target.PoolAccounts) say how often, and what
// was refused. kd's !vm, !poolused and !pooldiff and lpc pool print from a Report, so
// they agree.
//
// Section memory is counted at the end that allocates in it, under the tag of who did.
// Whether the other end may be read does not matter for that; what a process has been
// granted by a port stands in the port's process (Quota).
//
// Windows dumps have pools that belong to no process: of those a look tells by tag
// alone. Text output never stands here; what JSON has is a Document.
package holdings
