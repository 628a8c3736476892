-- Energy of the slot's device in an epoch, in joules; NULL where nobody told.

ALTER TABLE epochs ADD COLUMN energy_joules REAL;
