"""Names for the shapes of what core is handed: functions, files, JSON; `shapes.pyi` says what they are.

Here they are names alone, since core also runs where no module describes shapes.
"""

Sha256 = Draw = ReadAt = SiteOf = Registrable = KeyAt = RulesOf = ElementsOf = KnownBytes = FieldsOf = object
PublicOf = SharedSecret = SealWith = OpenWith = object
File = Lines = Place = Pieces = Names = Values = Ruled = Guesses = Json = Dumped = Identity = Counted = Placed = (
    WeekFacts
) = object
ContentRow = ListRows = ListChoices = InC = Parsed = ServicesInTurn = object
