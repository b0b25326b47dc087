package rdb

// The types of values.
const (
	typeString = iota
	typeList
	typeSet
	typeSortedSet
	typeHash
	typeSortedSet2
	typeModulePreview
	typeModule
	_
	typeHashZipmap
	typeListZiplist
	typeSetIntset
	typeSortedSetZiplist
	typeHashZiplist
	typeListQuicklist
	typeStream
	typeHashListpack
	typeSortedSetListpack
	typeListQuicklist2
	typeStream2
	typeSetListpack
	typeStream3
	typeHashExpiringPreview
	typeHashListpackExpiringPreview
	typeHashExpiring
	typeHashListpackExpiring
)

// The sizes of what is in values as it is.
const (
	millisecondSize = 8
	doubleSize      = 8
	streamIDSize    = 16
)

// value passes over a value of a type.
func (s *scanner) value(kind byte) error {
	switch kind {
	case typeString, typeHashZipmap, typeListZiplist, typeSetIntset, typeSortedSetZiplist, typeHashZiplist,
		typeHashListpack, typeSortedSetListpack, typeSetListpack, typeHashListpackExpiringPreview:
		return s.skipText()
	case typeHashListpackExpiring:
		if err := s.reader.skip(millisecondSize); err != nil {
			return err
		}
		return s.skipText()
	case typeList, typeSet, typeListQuicklist:
		return s.each(s.skipText)
	case typeHash:
		return s.each(s.skipText, s.skipText)
	case typeSortedSet:
		return s.each(s.skipText, s.score)
	case typeSortedSet2:
		return s.each(s.skipText, func() error { return s.reader.skip(doubleSize) })
	case typeListQuicklist2:
		return s.each(s.skipNumber, s.skipText)
	case typeHashExpiring:
		if err := s.reader.skip(millisecondSize); err != nil {
			return err
		}
		return s.each(s.skipNumber, s.skipText, s.skipText)
	case typeHashExpiringPreview:
		return s.each(s.skipNumber, s.skipText, s.skipText)
	case typeStream, typeStream2, typeStream3:
		return s.stream(kind)
	case typeModule:
		if _, err := s.number(); err != nil {
			return err
		}
		return s.module()
	case typeModulePreview:
		return s.damage("values of modules from before Redis 4.0 cannot be read")
	}
	return s.damage("%d is no type of a value in version %d", kind, s.found.Version)
}

// each reads a number and passes as often over what its steps pass over.
func (s *scanner) each(steps ...func() error) error {
	count, err := s.number()
	if err != nil {
		return err
	}
	for ; count > 0; count-- {
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scanner) skipNumber() error { return s.numbers(1) }

// score passes over a number of a sorted set of old: its length and digits, or one byte for what has none.
func (s *scanner) score() error {
	size, err := s.reader.byte()
	// 253 to 255 are no lengths, but "not a number" and the two infinities.
	if err != nil || size >= 253 {
		return err
	}
	return s.reader.skip(uint64(size))
}

// stream passes over a stream: its entries, what it remembers of them, and the groups of its consumers.
func (s *scanner) stream(kind byte) error {
	if err := s.each(s.skipText, s.skipText); err != nil {
		return err
	}
	facts, groupFacts := 3, 2
	if kind >= typeStream2 {
		facts, groupFacts = 8, 3
	}
	if err := s.numbers(facts); err != nil {
		return err
	}
	return s.each(
		s.skipText,
		func() error { return s.numbers(groupFacts) },
		func() error {
			return s.each(func() error { return s.reader.skip(streamIDSize + millisecondSize) }, s.skipNumber)
		},
		func() error { return s.each(func() error { return s.consumer(kind) }) },
	)
}

// consumer passes over one consumer of a group.
func (s *scanner) consumer(kind byte) error {
	if err := s.skipText(); err != nil {
		return err
	}
	times := uint64(1)
	if kind >= typeStream3 {
		times = 2
	}
	if err := s.reader.skip(times * millisecondSize); err != nil {
		return err
	}
	return s.each(func() error { return s.reader.skip(streamIDSize) })
}

// What modules write is told by a number before each part of it.
const (
	moduleEnd = iota
	moduleSigned
	moduleUnsigned
	moduleFloat
	moduleDouble
	moduleText
)

// module passes over what a module wrote, to its end.
func (s *scanner) module() error {
	for {
		kind, err := s.number()
		if err != nil {
			return err
		}
		switch kind {
		case moduleEnd:
			return nil
		case moduleSigned, moduleUnsigned:
			_, err = s.number()
		case moduleFloat:
			err = s.reader.skip(4)
		case moduleDouble:
			err = s.reader.skip(doubleSize)
		case moduleText:
			err = s.skipText()
		default:
			err = s.damage("%d is nothing that a module writes", kind)
		}
		if err != nil {
			return err
		}
	}
}
