-- What a translation between dialects could not carry, in one line.
ALTER TABLE requests ADD COLUMN loss TEXT;
