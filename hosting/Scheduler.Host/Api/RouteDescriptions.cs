namespace Scheduler.Host.Api;

/// <summary>What the OpenAPI document says of a route.</summary>
internal static class RouteDescriptions
{
    /// <summary>Says what it does.</summary>
    /// <param name="route">The route.</param>
    /// <param name="name">Its name for generated clients, e.g. <c>putGuest</c>.</param>
    /// <param name="summary">The same in words.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string name, string summary) => route.WithName(name).WithSummary(summary);

    /// <summary>Says what body it takes.</summary>
    /// <typeparam name="T">The body.</typeparam>
    /// <param name="route">The route.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder route)
        where T : notnull =>
        route.Accepts<T>("application/json");

    /// <summary>Says how it refuses, beside 401 and 403.</summary>
    /// <param name="route">The route.</param>
    /// <param name="statuses">HTTP statuses.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params ReadOnlySpan<int> statuses)
    {
        foreach (int status in statuses)
            _ = route.ProducesProblem(status);
        return route;
    }
}
