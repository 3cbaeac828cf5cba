// A message of xenstore: a header of four numbers of 32 bits in the machine's byte order (its type, the request's number, the
// transaction, the payload's length), then a payload of 4,096 bytes at most.
//
// Source: Xen's xen/include/public/io/xs_wire.h and docs/misc/xenstore.txt.
using System.Runtime.InteropServices;

namespace Scheduler.Xen.Store;

/// <summary>What a message is.</summary>
internal enum StoreType : uint
{
    /// <summary>Names of a node's children.</summary>
    Directory = 1,

    /// <summary>A node's value.</summary>
    Read = 2,

    /// <summary>Tell of changes.</summary>
    Watch = 4,

    /// <summary>Tell of them no more.</summary>
    Unwatch = 5,

    /// <summary>Begin a transaction.</summary>
    TransactionStart = 6,

    /// <summary>End it.</summary>
    TransactionEnd = 7,

    /// <summary>Set a node's value.</summary>
    Write = 11,

    /// <summary>Remove a node and what is below it.</summary>
    Remove = 13,

    /// <summary>Something that is watched has changed.</summary>
    WatchEvent = 15,

    /// <summary>The answer to what failed.</summary>
    Error = 16,

    /// <summary>A part of a node's children's names.</summary>
    DirectoryPart = 22,
}

/// <summary>A message's header.</summary>
/// <param name="Type">What it is.</param>
/// <param name="Request">The request's number; the answer has the same.</param>
/// <param name="Transaction">The transaction; 0: none.</param>
/// <param name="Length">Bytes of the payload.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct StoreHeader(StoreType Type, uint Request, uint Transaction, uint Length)
{
    /// <summary>Bytes of a header.</summary>
    public const int Bytes = 16;

    /// <summary>Longest payload.</summary>
    public const int PayloadMax = 4096;

    /// <summary>Longest path.</summary>
    public const int PathMax = 3072;
}
