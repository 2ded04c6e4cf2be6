package catalog

import "shardproxy/ring"

// OIDs of the types that can be shard keys (pg_type.dat).
const (
	oidBytea   = 17
	oidInt8    = 20
	oidInt2    = 21
	oidInt4    = 23
	oidText    = 25
	oidVarchar = 1043
	oidUUID    = 2950
	oidBpchar  = 1042
)

// varcharHeader is what a varchar's type modifier has on top of its length.
const varcharHeader = 4

// keyType returns the key type of a column, with the limit of its length in
// characters, or why it cannot be a shard key.
func keyType(f *columnFacts) (t ring.KeyType, maxLength int, problem string) {
	switch f.baseType {
	case oidInt2, oidInt4, oidInt8:
		return ring.KeyInt, 0, ""
	case oidUUID:
		return ring.KeyUUID, 0, ""
	case oidBytea:
		return ring.KeyBytes, 0, ""
	case oidText, oidVarchar:
		if !f.determinist {
			return 0, 0, "its collation takes different texts for equal"
		}
		if f.baseType == oidVarchar && f.baseMod >= varcharHeader {
			maxLength = int(f.baseMod - varcharHeader)
		}
		return ring.KeyText, maxLength, ""
	case oidBpchar:
		return 0, 0, "it has type " + f.declared + ", which ignores trailing spaces"
	}
	return 0, 0, "it has type " + f.declared
}

func intBits(oid uint32) int {
	switch oid {
	case oidInt2:
		return 16
	case oidInt4:
		return 32
	case oidInt8:
		return 64
	}
	return 0
}
