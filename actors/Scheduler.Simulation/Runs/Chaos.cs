namespace Scheduler.Simulation;

/// <summary>What a seed does to a run besides its guests' requests, and how often: once in so many steps; 0 for never.</summary>
internal sealed record Chaos
{
    public int PowerCutOneOf { get; init; }

    public int KillOneOf { get; init; }

    public int StopOneOf { get; init; }

    /// <summary>The volume's machine is lost, and another takes the volume over.</summary>
    public int TakeOverOneOf { get; init; }

    /// <summary>The volume moves to another machine.</summary>
    public int MoveOneOf { get; init; }

    /// <summary>Rings look for their volume's next scheduler.</summary>
    public bool RingsReattach => TakeOverOneOf > 0 || MoveOneOf > 0;

    public int DetachOneOf { get; init; }

    public int AttachOneOf { get; init; }

    public int ClearOneOf { get; init; }

    /// <summary>One of so many records of a fault fails.</summary>
    public int RecordFailsOneOf { get; init; }

    /// <summary>A guest is given another weight, reservation, limit or bounds.</summary>
    public int ChangeGuestOneOf { get; init; }

    /// <summary>A disk goes, comes back, or grows.</summary>
    public int ChangeDiskOneOf { get; init; }

    /// <summary>Faults have a history, in a journal.</summary>
    public bool HasJournal { get; init; }

    /// <summary>One of so many calls of the journal fails.</summary>
    public int JournalFailsOneOf { get; init; }

    /// <summary>Of 100 writes of a crowd, how many with FUA.</summary>
    public int CrowdFuaPercent { get; init; }

    /// <summary>All guests read and write without a pause, so that they are backlogged for long (Q2).</summary>
    public bool Crowded { get; init; }

    public required DeviceProfile Device { get; init; }

    /// <summary>Draws from a seed.</summary>
    public static Chaos Draw(Random random, FaultKinds faults)
    {
        bool power = (faults & FaultKinds.Power) != 0;
        bool device = (faults & FaultKinds.Device) != 0;
        int rare = random.Next(3) switch { 0 => 200, 1 => 600, _ => 2_000 };
        bool syncs = device && random.Next(2) == 0;
        Chaos drawn = new()
        {
            PowerCutOneOf = power ? rare : 0,
            KillOneOf = power ? rare : 0,
            StopOneOf = random.Next(3) == 0 ? 1_500 : 0,
            DetachOneOf = random.Next(2) == 0 ? 300 : 0,
            AttachOneOf = 200,
            ClearOneOf = 100,
            RecordFailsOneOf = syncs && random.Next(4) == 0 ? 4 : 0,
            Device = new DeviceProfile
            {
                Channels = random.Next(1, 9),
                OperationNs = random.Next(5_000, 200_000),
                FlushNs = random.Next(20_000, 2_000_000),
                InlineOneOf = random.Next(4) == 0 ? random.Next(1, 4) : 0,
                StallOneOf = device && random.Next(2) == 0 ? 200 : 0,
                ErrorOneOf = device && random.Next(2) == 0 ? random.Next(10, 100) : 0,
                SyncErrorOneOf = syncs ? random.Next(10, 60) : 0,
            },
        };

        // Undisturbed but for errors of reads and writes: a guest's backlog ends with its ring.
        return random.Next(10) > 0 ? drawn : new Chaos { Crowded = true, Device = drawn.Device with { SyncErrorOneOf = 0 } };
    }

    /// <summary>Draws what else is done to a run.</summary>
    public Chaos With(Random random, FaultKinds faults)
    {
        bool changes = (faults & FaultKinds.Changes) != 0;
        bool journal = (faults & FaultKinds.Journal) != 0;

        // More crowds than there are otherwise: weights and learned costs show in them.
        bool crowd = Crowded || ((changes || (faults & FaultKinds.Costs) != 0) && random.Next(8) == 0);
        Chaos drawn = crowd ? new Chaos { Crowded = true, Device = Device with { SyncErrorOneOf = 0 } } : this;
        if (crowd && random.Next(3) > 0)
            drawn = drawn with { Device = drawn.Device with { StallOneOf = 0, SlowOneOf = 0, InlineOneOf = 0 } };
        return drawn with
        {
            ChangeGuestOneOf = changes && random.Next(2) == 0 ? (random.Next(2) == 0 ? 60 : 400) * (crowd ? 4 : 1) : 0,

            // Rings have to go for it.
            ChangeDiskOneOf = changes && random.Next(2) == 0 && !crowd ? random.Next(2) == 0 ? 60 : 300 : 0,
            HasJournal = journal,
            JournalFailsOneOf = journal && random.Next(2) == 0 ? random.Next(3, 10) : 0,
            CrowdFuaPercent = (faults & FaultKinds.Costs) != 0 && random.Next(2) == 0 ? random.Next(1, 25) : 0,
        };
    }

    /// <summary>Draws how often the volume goes to another machine.</summary>
    public Chaos WithTakeovers(Random random, FaultKinds faults)
    {
        if (Crowded || (faults & FaultKinds.Takeovers) == 0 || random.Next(2) == 0)
            return this;
        int often = random.Next(2) == 0 ? 100 : 400;
        return random.Next(4) switch
        {
            0 => this with { MoveOneOf = often },
            1 => this with { TakeOverOneOf = often },
            _ => this with { MoveOneOf = 2 * often, TakeOverOneOf = often },
        };
    }
}
