namespace Scheduler.Core;

/// <summary>One operation on the device.</summary>
internal struct Operation
{
    /// <summary>It is in flight.</summary>
    public bool Active;

    /// <summary>The request that it belongs to; null for a flush that is its domain's.</summary>
    public Request? Request;

    /// <summary>It is a request's own flush, emitted at this moment (F3); 0 otherwise.</summary>
    public long OwnFlushAt;
    public int Domain;

    /// <summary>Service time that was expected of it at dispatch, and device time that was charged for it.</summary>
    public double ServiceNs;
    public double ChargedNs;

    /// <summary>Operations on the device when it started, itself included.</summary>
    public int Company;

    /// <summary><see cref="FlushDomain.EmittedAt"/> when it started; -1 with a flush in flight.</summary>
    public long FlushedAt;
    public long Bytes;

    /// <summary>Bytes counted in <see cref="Guest.Unflushed"/> for it.</summary>
    public long UnflushedBytes;
    public bool Dsync;

    /// <summary><see cref="FlushDomain.Fences"/> when it started.</summary>
    public int Fences;

    /// <summary>When a piece of a request started; flushes have their own clock.</summary>
    public long StartedNs;
}

/// <summary>The operations in flight, numbered from 0; bounded by the depth plus one flush per domain (S4).</summary>
internal sealed class OperationTable
{
    private readonly Operation[] _operations;
    private readonly int[] _free;

    public OperationTable(int capacity)
    {
        _operations = new Operation[capacity];
        _free = new int[capacity];
        for (int i = 0; i < capacity; i++)
            _free[i] = capacity - 1 - i;
    }

    public int Count { get; private set; }

    public int Start(in Operation operation)
    {
        Invariant.Holds(Count < _operations.Length, "S4", "more operations are in flight than the depth allows");
        int number = _free[_operations.Length - 1 - Count];
        Count++;
        _operations[number] = operation;
        _operations[number].Active = true;
        return number;
    }

    public Operation End(int number)
    {
        Invariant.Holds(number >= 0 && number < _operations.Length && _operations[number].Active, "S3", "the device completed an operation that was not in flight");
        Operation operation = _operations[number];
        _operations[number] = default;
        Count--;
        _free[_operations.Length - 1 - Count] = number;
        return operation;
    }
}
