namespace Scheduler.Nbd.Protocol;

/// <summary>What client and server agreed on before transmission, as far as it changes requests and replies.</summary>
/// <param name="StructuredReplies">Reads are answered in structured chunks; the client understands them.</param>
/// <param name="BaseAllocation">The context <c>base:allocation</c> is chosen for the export, with the identifier
/// <see cref="NbdConstants.BaseAllocationContextId"/>. Implies <paramref name="StructuredReplies"/>.</param>
public readonly record struct Negotiated(bool StructuredReplies, bool BaseAllocation);
