package ring

import (
	"encoding/binary"
	"math/big"
)

// slowNumeric is the definition of the binary format in exact arithmetic.
func slowNumeric(wire []byte) (v int64, exact bool) {
	weight := int64(int16(binary.BigEndian.Uint16(wire[2:])))
	sum := new(big.Rat)
	for i := 8; i < len(wire); i += 2 {
		d := new(big.Rat).SetInt64(int64(binary.BigEndian.Uint16(wire[i:])))
		if d.Sign() == 0 {
			weight--
			continue
		}
		scale := new(big.Int).Exp(big.NewInt(10000), big.NewInt(max(weight, -weight)), nil)
		if weight < 0 {
			d.Quo(d, new(big.Rat).SetInt(scale))
		} else {
			d.Mul(d, new(big.Rat).SetInt(scale))
		}
		sum.Add(sum, d)
		weight--
	}
	if binary.BigEndian.Uint16(wire[4:]) == 0x4000 {
		sum.Neg(sum)
	}
	return sum.Num().Int64(), sum.IsInt() && sum.Num().IsInt64()
}
